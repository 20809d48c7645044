-- Adds what has changed to the sums of the directory.
SELECT spotlist_data.tally_names() AS changed
