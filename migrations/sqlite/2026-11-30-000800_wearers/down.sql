DROP TABLE wearers;
