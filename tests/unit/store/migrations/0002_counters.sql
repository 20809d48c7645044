-- Rows to contend for, and a reference that is checked at COMMIT only.
CREATE TABLE spotlist_data.counters (id integer PRIMARY KEY, value bigint NOT NULL);
INSERT INTO spotlist_data.counters VALUES (1, 0), (2, 0);
CREATE TABLE spotlist_data.late (
    thing_id bigint REFERENCES spotlist_data.things DEFERRABLE INITIALLY DEFERRED
);
