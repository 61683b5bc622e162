-- What was said of a reading is found by its device and instant, whosever it was then.
CREATE INDEX amendments_by_device ON amendments (device_key, at, generation);
