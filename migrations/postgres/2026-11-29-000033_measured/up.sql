-- Which series there are, and about where each ends.
CREATE TABLE measured (
    patient_key BIGINT NOT NULL,
    signal SMALLINT NOT NULL,
    at BIGINT NOT NULL,
    PRIMARY KEY (patient_key, signal)
);
INSERT INTO measured (patient_key, signal, at)
SELECT patient_key, signal, MAX(at)
FROM (
    SELECT patient_key, signal, at FROM readings
    UNION ALL
    SELECT patient_key, signal, last_at AS at FROM chunks
) AS known
GROUP BY patient_key, signal;
