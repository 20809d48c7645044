-- What this month has cost so far, and what is expected on top of that.
SELECT coalesce((SELECT sum(micros) FROM spotlist_data.spending
                 WHERE month = spotlist_data.this_month()), 0)::bigint AS spent,
    coalesce((SELECT sum(micros) FROM spotlist_data.reservations), 0)::bigint AS reserved
