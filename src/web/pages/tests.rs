//! Every page, in both languages, rendered from sample data.
