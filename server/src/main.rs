//! The program `opentrail`: the server, and the commands that speak to it.

/// Parts are sealed and merged, and files packed, on changing threads; this allocator gives back what they freed
/// (`.cargo/config.toml` tells it how soon), where others keep it per thread: 240 MB against 400 to 550 MB while two million
/// events are loaded.
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

fn main() -> std::process::ExitCode {
    opentrail::cli::run()
}
