"""The writes, each declared beside what it is about."""

import strawberry

from graphql_schema.assets.bulk import RegisterAssetsPayload, register_assets
from graphql_schema.assets.dataset import register_dataset, register_dataset_version
from graphql_schema.assets.domain import register_domain
from graphql_schema.assets.evaluation import record_evaluation
from graphql_schema.assets.experiment import register_experiment, register_experiment_cell
from graphql_schema.assets.feature import register_feature, register_feature_set
from graphql_schema.assets.model import register_model, register_model_version
from graphql_schema.assets.report import register_report
from graphql_schema.assets.service import register_deployment, register_service
from graphql_schema.assets.tag import register_tag
from graphql_schema.assets.team import register_team, register_user
from graphql_schema.assets.workflow import record_run, register_workflow
from graphql_schema.governance.aliases import SetAliasPayload, set_alias
from graphql_schema.governance.approvals import ApprovePayload, approve
from graphql_schema.governance.changes import revert_change
from graphql_schema.governance.lifecycle import delete_asset, restore_asset, set_stage
from graphql_schema.governance.ownership import set_owners
from graphql_schema.governance.tags import set_tags
from graphql_schema.inputs.payloads import RegisterPayload, UpdatePayload
from graphql_schema.lineage.link_mutations import LinkPayload, link, unlink
from graphql_schema.observability.checks import ReportCheckPayload, report_check
from graphql_schema.observability.incidents import IncidentPayload, open_incident, resolve_incident
from graphql_schema.usage.record_usage import RecordUsagePayload, record_usage


@strawberry.type(description="The writes.")
class Mutation:
    """The writes."""

    register_assets: RegisterAssetsPayload = register_assets
    register_dataset: RegisterPayload = register_dataset
    register_dataset_version: RegisterPayload = register_dataset_version
    register_feature_set: RegisterPayload = register_feature_set
    register_feature: RegisterPayload = register_feature
    register_model: RegisterPayload = register_model
    register_model_version: RegisterPayload = register_model_version
    register_workflow: RegisterPayload = register_workflow
    record_run: RegisterPayload = record_run
    record_evaluation: RegisterPayload = record_evaluation
    register_service: RegisterPayload = register_service
    register_deployment: RegisterPayload = register_deployment
    register_experiment: RegisterPayload = register_experiment
    register_experiment_cell: RegisterPayload = register_experiment_cell
    register_report: RegisterPayload = register_report
    register_team: RegisterPayload = register_team
    register_user: RegisterPayload = register_user
    register_domain: RegisterPayload = register_domain
    register_tag: RegisterPayload = register_tag
    link: LinkPayload = link
    unlink: LinkPayload = unlink
    set_owners: UpdatePayload = set_owners
    set_tags: UpdatePayload = set_tags
    set_stage: UpdatePayload = set_stage
    record_usage: RecordUsagePayload = record_usage
    report_check: ReportCheckPayload = report_check
    open_incident: IncidentPayload = open_incident
    resolve_incident: IncidentPayload = resolve_incident
    set_alias: SetAliasPayload = set_alias
    approve: ApprovePayload = approve
    delete_asset: UpdatePayload = delete_asset
    restore_asset: UpdatePayload = restore_asset
    revert_change: UpdatePayload = revert_change
