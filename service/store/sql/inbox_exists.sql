-- Whether a message is stored already; a row or none.
-- $1: message id
SELECT message_id FROM spotlist_data.inbox WHERE message_id = $1
