select cast(range as date) as day from range(date '2026-11-01', date '2026-11-05', interval 1 day)
