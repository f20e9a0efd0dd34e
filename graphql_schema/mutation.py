"""The root type Mutation; each mutation is declared in the module of its concept."""

import strawberry

from graphql_schema.governance.aliases import SetAliasPayload, remove_alias, set_alias
from graphql_schema.governance.approvals import ApprovePayload, approve
from graphql_schema.governance.changes import revert_change
from graphql_schema.governance.lifecycle import (
    delete_asset,
    restore_asset,
    set_stage,
)
from graphql_schema.governance.merging import merge_assets
from graphql_schema.governance.ownership import set_owners
from graphql_schema.governance.tags import set_tags
from graphql_schema.inputs.payloads import UpdatePayload
from graphql_schema.lineage.link_mutations import LinkPayload, link, unlink
from graphql_schema.observability.checks import ReportCheckPayload, report_check
from graphql_schema.observability.incidents import IncidentPayload, open_incident, resolve_incident
from graphql_schema.observability.thin_event_mutations import (
    FinishThinEventPayload,
    ThinEventsPayload,
    finish_thin_event,
    replay_thin_events,
    take_thin_events,
)
from graphql_schema.plans.plan_mutations import (
    ChangePlanPayload,
    acknowledge_change,
    close_change_plan,
    plan_change,
)
from graphql_schema.registry.bulk import RegisterAssetsPayload, register_assets
from graphql_schema.registry.entries import mutation_fields
from graphql_schema.usage.record_usage import RecordUsagePayload, record_usage
from graphql_schema.webhooks.webhook import WebhookPayload, register_webhook, remove_webhook, update_webhook


@strawberry.type
class Registrations:
    """The mutations that register items: `registerAssets` for many of any kind, then one mutation for each kind."""

    register_assets: RegisterAssetsPayload = register_assets
    vars().update(mutation_fields())


@strawberry.type(description="The root of mutations.")
class Mutation(Registrations):
    """The root of mutations: the registrations, then the mutations of each concept."""

    link: LinkPayload = link
    unlink: LinkPayload = unlink
    set_owners: UpdatePayload = set_owners
    set_tags: UpdatePayload = set_tags
    set_stage: UpdatePayload = set_stage
    record_usage: RecordUsagePayload = record_usage
    report_check: ReportCheckPayload = report_check
    open_incident: IncidentPayload = open_incident
    resolve_incident: IncidentPayload = resolve_incident
    take_thin_events: ThinEventsPayload = take_thin_events
    finish_thin_event: FinishThinEventPayload = finish_thin_event
    replay_thin_events: ThinEventsPayload = replay_thin_events
    set_alias: SetAliasPayload = set_alias
    remove_alias: UpdatePayload = remove_alias
    approve: ApprovePayload = approve
    plan_change: ChangePlanPayload = plan_change
    acknowledge_change: ChangePlanPayload = acknowledge_change
    close_change_plan: ChangePlanPayload = close_change_plan
    delete_asset: UpdatePayload = delete_asset
    restore_asset: UpdatePayload = restore_asset
    merge_assets: UpdatePayload = merge_assets
    revert_change: UpdatePayload = revert_change
    register_webhook: WebhookPayload = register_webhook
    update_webhook: WebhookPayload = update_webhook
    remove_webhook: WebhookPayload = remove_webhook
