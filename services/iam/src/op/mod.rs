//! One file per resource of IAM.
