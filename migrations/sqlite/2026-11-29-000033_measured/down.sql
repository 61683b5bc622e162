DROP TABLE measured;
