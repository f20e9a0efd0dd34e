{{ config(materialized='incremental', unique_key='customer_id', group='ranking', tags=['training']) }}
select c.customer_id, count(o.order_id) as orders, coalesce(sum(o.amount), 0) as amount
from {{ ref('stg_customers') }} c left join {{ ref('stg_orders') }} o using (customer_id)
group by 1
