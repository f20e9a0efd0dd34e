select o.* from {{ source('raw', 'purchases') }} o left join {{ source('raw', 'customers') }} c using (customer_id) where c.customer_id is null
