-- Processes keep stored documents in memory: they are told which no longer hold.

CREATE FUNCTION spotlist_data.tell_document() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_TABLE_NAME = 'documents' THEN
        PERFORM pg_notify('spotlist_documents', OLD.video_id::text);
    ELSE
        PERFORM pg_notify('spotlist_documents', OLD.id::text);
    END IF;
    RETURN NULL;
END $$;
COMMENT ON FUNCTION spotlist_data.tell_document IS 'Tells every process that a video''s stored document no longer holds.';

CREATE TRIGGER tell_document AFTER UPDATE OR DELETE ON spotlist_data.documents
    FOR EACH ROW EXECUTE FUNCTION spotlist_data.tell_document();
-- A document is shown while its video has an end.
CREATE TRIGGER tell_document AFTER UPDATE OF completed_at ON spotlist_data.videos
    FOR EACH ROW WHEN (OLD.completed_at IS NOT NULL AND NEW.completed_at IS DISTINCT FROM OLD.completed_at)
    EXECUTE FUNCTION spotlist_data.tell_document();
