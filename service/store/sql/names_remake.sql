-- The directory's sums, made anew of all videos.
SELECT spotlist_data.remake_names()
