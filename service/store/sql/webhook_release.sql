-- Hands a message back that was not sent after all: the process ends.
-- $1: id  $2: claims when taken
UPDATE spotlist_data.webhook_deliveries
SET held = false, due_at = now()
WHERE id = $1::uuid AND claims = $2::bigint AND held AND state = 'pending'
