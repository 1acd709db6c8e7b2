//! The program `opentrail`: the server, and the commands that speak to it.

/// Parts are sealed and merged on several threads; this allocator gives what they freed back, where glibc keeps it per
/// thread (measured: 410 MB against 190 MB while sealing).
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> std::process::ExitCode {
    opentrail::cli::run()
}
