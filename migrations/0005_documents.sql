-- Metadata documents in parts, so that one of any size is stored and sent in bounded memory; and
-- label rows without a check of each one's video, which cost more than storing it.

CREATE TABLE spotlist_data.document_parts (
    video_id uuid NOT NULL REFERENCES spotlist_data.videos ON DELETE CASCADE,
    document uuid NOT NULL,
    at_byte  bigint NOT NULL,
    body     text NOT NULL,
    PRIMARY KEY (video_id, document, at_byte)
);
-- Compressed text would be unpacked whole for each part that is sent; and it is sent often.
ALTER TABLE spotlist_data.document_parts ALTER COLUMN body SET STORAGE EXTERNAL;

ALTER TABLE spotlist_data.analysis_versions ALTER COLUMN result SET STORAGE EXTERNAL;

COMMENT ON TABLE spotlist_data.document_parts IS 'The metadata documents of videos, in parts of about half a megabyte.';
COMMENT ON COLUMN spotlist_data.document_parts.video_id IS 'The video.';
COMMENT ON COLUMN spotlist_data.document_parts.document IS 'Which document: the one that documents names is the one that holds.';
COMMENT ON COLUMN spotlist_data.document_parts.at_byte IS 'Where the part begins, in bytes of the document.';
COMMENT ON COLUMN spotlist_data.document_parts.body IS 'A piece of JSON text.';

ALTER TABLE spotlist_data.documents
    ADD COLUMN document uuid NOT NULL DEFAULT gen_random_uuid(),
    ADD COLUMN size_bytes bigint NOT NULL DEFAULT 0;
UPDATE spotlist_data.documents SET size_bytes = octet_length(body);
INSERT INTO spotlist_data.document_parts (video_id, document, at_byte, body)
    SELECT video_id, document, 0, body FROM spotlist_data.documents;
ALTER TABLE spotlist_data.documents
    ALTER COLUMN document DROP DEFAULT,
    ALTER COLUMN size_bytes DROP DEFAULT,
    DROP COLUMN body;

COMMENT ON COLUMN spotlist_data.documents.document IS 'Whose parts in document_parts are the document.';
COMMENT ON COLUMN spotlist_data.documents.size_bytes IS 'Length of all parts.';

CREATE FUNCTION spotlist_data.document_text(video uuid) RETURNS text
    LANGUAGE sql STABLE STRICT
    RETURN (
        SELECT string_agg(p.body, '' ORDER BY p.at_byte)
        FROM spotlist_data.documents d JOIN spotlist_data.document_parts p
            ON p.video_id = d.video_id AND p.document = d.document
        WHERE d.video_id = video);
COMMENT ON FUNCTION spotlist_data.document_text IS 'The whole document of a video, null when it has none.';

-- A foreign key looks the video up for every row: half the time of a million. Rows are only
-- written with their video locked; a trigger deletes them with it, as the key did.
ALTER TABLE spotlist_data.label_detections DROP CONSTRAINT label_detections_video_id_fkey;
ALTER TABLE spotlist_data.label_instances DROP CONSTRAINT label_instances_video_id_fkey;
CREATE FUNCTION spotlist_data.delete_labels() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    DELETE FROM spotlist_data.label_instances WHERE video_id = OLD.id;
    DELETE FROM spotlist_data.label_detections WHERE video_id = OLD.id;
    RETURN NULL;
END $$;
COMMENT ON FUNCTION spotlist_data.delete_labels IS 'Deletes the label rows of a video that is deleted.';
CREATE TRIGGER delete_labels AFTER DELETE ON spotlist_data.videos
    FOR EACH ROW EXECUTE FUNCTION spotlist_data.delete_labels();
