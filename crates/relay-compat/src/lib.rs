//! The place of the foreign protocols, as sans-IO state machines on relay-core: a module each for Graceful Books push and
//! pull, GUN, PluresDB topics and Eidetica. None is spoken yet; foreign words stay inside their module.
#![forbid(unsafe_code)]
