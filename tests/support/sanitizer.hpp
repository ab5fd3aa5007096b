#pragma once

namespace penstock::test {

/// The test program, and so the penstock built beside it, has a sanitizer in it.
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
inline constexpr bool kSanitized = true;
#else
inline constexpr bool kSanitized = false;
#endif

/// What the limits that tests name are multiplied by where they wait: they are meant for a build without a
/// sanitizer, which slows what is tested several times. A wait that succeeds takes no longer for it.
inline constexpr int kPatience = kSanitized ? 4 : 1;

}  // namespace penstock::test
