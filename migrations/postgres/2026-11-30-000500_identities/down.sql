DROP INDEX amendments_by_device;
