#pragma once

#include "Luau/Location.h"

#include <functional>
#include <string>
#include <vector>

namespace Luau
{
struct Module;
struct SourceModule;
} // namespace Luau

namespace cogsmith
{

// A field of a table that whoever is given the table knows nothing of.
struct UnknownField
{
    Luau::Location location;
    std::string name;
    // The type that was expected, if it has a name.
    std::string type;
    // The fields that it has.
    std::vector<std::string> known;
};

// Looks for misspelt fields. To Luau a table with more fields than were asked for is right, which hides them; in a table
// that is written down where its type is known, nobody can mean a field that the type does not have.
void find_unknown_fields(
    const Luau::SourceModule& source, const Luau::Module& module, const std::function<void(const UnknownField&)>& tell
);

} // namespace cogsmith
