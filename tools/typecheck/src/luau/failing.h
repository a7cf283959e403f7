#pragma once

namespace Luau
{
struct SourceModule;
}

namespace cogsmith
{

// Lets the checker know that nothing follows a call of `cog.fail`. Of all functions Luau knows that of `error` alone,
// whatever type others have, so after each such call one of `error` is added to the tree.
void end_after_failing(Luau::SourceModule& source);

} // namespace cogsmith
