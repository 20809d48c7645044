-- Something to store. "é", \ and '$1' must come through the embedding as they are.
CREATE TABLE spotlist_data.things (
    id    bigint PRIMARY KEY,
    name  text,
    ratio double precision,
    flag  boolean
);
COMMENT ON TABLE spotlist_data.things IS 'Trial: "é", \, $1.';
