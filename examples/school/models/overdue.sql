{{ config(materialized='view') }}
select l.loan_id, l.book, l.lent, s.name, g.phone as guardian_phone
from {{ source('raw', 'loans') }} l
join {{ source('raw', 'students') }} s on s.student_id = l.student_id
join {{ source('raw', 'guardians') }} g on g.guardian_id = s.guardian_id
where l.returned is null
