#pragma once

namespace penstock {

/// Gives every allocation of 256 KiB and more pages of its own: they grow by remapping, and go back to the
/// system when they are freed. Left alone, glibc takes ever larger ones from its arenas once one was freed
/// (mallopt(3), M_MMAP_THRESHOLD), and column buffers that come and go leave as much again in holes. Called
/// once, at the beginning of main.
void give_large_buffers_their_own_pages();

}  // namespace penstock
