select s.class_id, m.day, count(*) as meals, sum(m.won) as won
from {{ source('raw', 'meals') }} m
join {{ source('raw', 'students') }} s on s.student_id = m.student_id
group by s.class_id, m.day
