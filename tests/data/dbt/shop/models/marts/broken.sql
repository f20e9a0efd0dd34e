select cast(country as integer) as country from {{ ref('stg_customers') }}
