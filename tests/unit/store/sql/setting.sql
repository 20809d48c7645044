-- $1: name of a setting
SELECT current_setting($1) AS value
