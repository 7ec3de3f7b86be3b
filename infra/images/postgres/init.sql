-- The schema registry's tables; the catalog's are in the schema public.
CREATE SCHEMA registry;
