-- time_hour is the instant in UTC at which the hour of observation starts. The local columns year to hour are left
-- behind: on 3 November 2013 the hour 1 happens twice, and only time_hour tells the two apart.
select
    origin || '-' || cast(cast(date_part('epoch', time_hour) as bigint) as varchar) as observation_id,
    origin,
    time_hour as observed_hour,
    cast(temp as double) as temp_f,
    cast(dewp as double) as dew_point_f,
    cast(humid as double) as humidity_pct,
    cast(wind_dir as double) as wind_dir_deg,
    -- One observation (EWR, 12 February) says 1,048 mph, which is a fault of the instrument, not a wind.
    case when wind_speed <= 200 then cast(wind_speed as double) end as wind_speed_mph,
    cast(wind_gust as double) as wind_gust_mph,
    cast(precip as double) as precip_in,
    cast(pressure as double) as pressure_mb,
    cast(visib as double) as visibility_mi
from {{ source('raw', 'weather') }}
