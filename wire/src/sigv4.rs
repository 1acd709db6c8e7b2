//! Signature Version 4: canonical requests, verification, and signing for our own command line.
