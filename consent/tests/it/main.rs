//! What a patient allows, from outside: the laws, the states, the decision table, the terms.

mod laws;
mod states;
mod table;
mod terms;
