"""A small feature repository: two views over files, one on demand, two services."""

from datetime import timedelta

import pandas as pd
from feast import BigQuerySource, Entity, FeatureService, FeatureView, Field, FileSource, PushSource, RequestSource, SnowflakeSource
from feast.on_demand_feature_view import on_demand_feature_view
from feast.types import Float64, Int64, String

customer = Entity(
    name="customer", join_keys=["customer_id"], description="A customer.", owner="crm@example.com", tags={"team": "crm"}
)

orders_file = FileSource(
    name="customer_orders", path="s3://lake/features/customer_orders.parquet", timestamp_field="at",
    description="Orders of each customer.", owner="ranking", tags={"layer": "marts"},
)
orders_push = PushSource(name="orders_push", batch_source=orders_file)
profile = BigQuerySource(name="profile", table="acme.crm.profile", timestamp_field="at", owner="crm@example.com")
scores = SnowflakeSource(name="scores", database="SHOP", schema="MARTS", table="SCORES", timestamp_field="at")
basket = RequestSource(name="basket", schema=[Field(name="basket_amount", dtype=Float64)])

order_features = FeatureView(
    name="order_features", entities=[customer], ttl=timedelta(days=1), online=True, source=orders_push,
    schema=[
        Field(name="customer_id", dtype=Int64),
        Field(name="orders", dtype=Int64, description="Number of orders.", tags={"pii": "no"}),
        Field(name="amount", dtype=Float64),
    ],
    description="Orders by customer.", owner="ranking", tags={"tier": "1"},
)
profile_features = FeatureView(
    name="profile_features", entities=[customer], online=False, source=profile,
    schema=[Field(name="customer_id", dtype=Int64), Field(name="country", dtype=String)], owner="crm@example.com",
)
score_features = FeatureView(name="score_features", entities=[customer], source=scores, schema=[Field(name="customer_id", dtype=Int64), Field(name="score", dtype=Float64)])


@on_demand_feature_view(
    sources=[order_features[["amount"]], basket], schema=[Field(name="basket_share", dtype=Float64)], description="Share."
)
def basket_features(inputs: pd.DataFrame) -> pd.DataFrame:
    """Return the share of the basket."""
    return pd.DataFrame({"basket_share": inputs["basket_amount"] / inputs["amount"]})


churn_v1 = FeatureService(
    name="churn_v1", features=[order_features, profile_features[["country"]], basket_features],
    description="Inputs of the churn model.", owner="ranking", tags={"model": "churn"},
)
