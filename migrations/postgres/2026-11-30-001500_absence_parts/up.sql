-- Since when the house knows of each part of an absence that was changed: what was added later is known later.
ALTER TABLE absences ADD COLUMN parts TEXT;
