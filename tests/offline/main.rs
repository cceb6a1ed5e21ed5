//! What needs neither namespaces nor Docker.

mod conformance;
