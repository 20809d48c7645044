-- Empties the table.
DELETE FROM spotlist_data.things
