-- First thing in a transaction that must see conflicts.
SET TRANSACTION ISOLATION LEVEL SERIALIZABLE
