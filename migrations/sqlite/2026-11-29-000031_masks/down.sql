-- Rows masked with their message cannot be read without it: only what was masked before is given back.
DELETE FROM readings WHERE received >= 0;
UPDATE readings SET received = -1 - received;
