// Luau's frontend behind a few functions of C: modules come from the caller by name, what is wrong goes back to it.
// `src/luau/mod.rs` is the other side.

#include "failing.h"
#include "unknown_fields.h"

#include "Luau/BuiltinDefinitions.h"
#include "Luau/Config.h"
#include "Luau/ConfigResolver.h"
#include "Luau/ExperimentalFlags.h"
#include "Luau/FileResolver.h"
#include "Luau/Frontend.h"
#include "Luau/LinterConfig.h"

#include <cstdint>
#include <cstring>
#include <exception>
#include <optional>
#include <string>
#include <vector>

extern "C" {

// A text that the callee writes for the caller, who gives `sink` back as it came.
typedef void (*cogsmith_write)(void* sink, const char* text, size_t length);

struct cogsmith_host
{
    void* data;
    // Writes the text of a module; false if there is none.
    bool (*read)(void* data, const char* name, size_t length, void* sink, cogsmith_write write);
    // Writes the name of the module that `request` means in the module `from`.
    void (*resolve)(
        void* data, const char* from, size_t from_length, const char* request, size_t request_length, void* sink, cogsmith_write write
    );
    // Something is wrong: in a module, from and to a line and a column, which begin at 0. `code` is the name of the
    // warning, or empty for an error.
    void (*problem)(
        void* data, const char* module, size_t module_length, const uint32_t* place, const char* code, size_t code_length,
        const char* message, size_t message_length
    );
    // A table has a field that is none of its type's, whose names are each followed by a NUL.
    void (*unknown_field)(
        void* data, const char* module, size_t module_length, const uint32_t* place, const char* field, size_t field_length,
        const char* type, size_t type_length, const char* known, size_t known_length
    );
};
}

namespace
{

void append(void* sink, const char* text, size_t length)
{
    static_cast<std::string*>(sink)->append(text, length);
}

struct Files : Luau::FileResolver
{
    const cogsmith_host* host;

    std::optional<Luau::SourceCode> readSource(const Luau::ModuleName& name) override
    {
        std::string text;
        if (!host->read(host->data, name.data(), name.size(), &text, append))
            return std::nullopt;
        return Luau::SourceCode{std::move(text), Luau::SourceCode::Module};
    }

    // What is required with anything but a text is not known before the cog runs.
    std::optional<Luau::ModuleInfo> resolveModule(const Luau::ModuleInfo* from, Luau::AstExpr* request, const Luau::TypeCheckLimits&) override
    {
        auto text = request->as<Luau::AstExprConstantString>();
        if (!text || !from)
            return std::nullopt;
        std::string name;
        host->resolve(host->data, from->name.data(), from->name.size(), text->value.data, text->value.size, &name, append);
        return Luau::ModuleInfo{std::move(name)};
    }
};

struct Strict : Luau::ConfigResolver
{
    Luau::Config config;

    const Luau::Config& getConfig(const Luau::ModuleName&, const Luau::TypeCheckLimits&) const override
    {
        return config;
    }
};

// The flags as Luau's own command line and editors have them: everything but what is experimental.
void set_flags()
{
    for (Luau::FValue<bool>* flag = Luau::FValue<bool>::list; flag; flag = flag->next)
        if (strncmp(flag->name, "Luau", 4) == 0 && !Luau::isAnalysisFlagExperimental(flag->name))
            flag->value = true;
}

void tell(
    const cogsmith_host* host, const std::string& module, const Luau::Location& at, const char* code, const std::string& message
)
{
    const uint32_t place[4] = {at.begin.line, at.begin.column, at.end.line, at.end.column};
    host->problem(host->data, module.data(), module.size(), place, code, strlen(code), message.data(), message.size());
}

void tell_unknown(const cogsmith_host* host, const std::string& module, const cogsmith::UnknownField& field)
{
    const Luau::Location& at = field.location;
    const uint32_t place[4] = {at.begin.line, at.begin.column, at.end.line, at.end.column};
    std::string known;
    for (const std::string& name : field.known)
        known.append(name).push_back('\0');
    host->unknown_field(
        host->data, module.data(), module.size(), place, field.name.data(), field.name.size(), field.type.data(), field.type.size(),
        known.data(), known.size()
    );
}

void check(const cogsmith_host* host, const std::vector<std::string>& modules, const std::vector<std::string>& globals, double seconds)
{
    set_flags();

    Files files;
    files.host = host;
    Strict strict;
    strict.config.mode = Luau::Mode::Strict;
    strict.config.globals = globals;
    strict.config.enabledLint.setDefaults();

    Luau::FrontendOptions options;
    options.runLintChecks = true;
    options.moduleTimeLimitSec = seconds;
    options.customModuleCheck = [host](const Luau::SourceModule& source, const Luau::Module& module)
    {
        cogsmith::find_unknown_fields(
            source,
            module,
            [&](const cogsmith::UnknownField& field)
            {
                tell_unknown(host, module.name, field);
            }
        );
    };

    Luau::Frontend frontend(&files, &strict, options);
    frontend.setLuauSolverMode(Luau::SolverMode::New);
    Luau::unfreeze(frontend.globals.globalTypes);
    Luau::registerBuiltinGlobals(frontend, frontend.globals);
    Luau::freeze(frontend.globals.globalTypes);

    frontend.parseModules(modules);
    for (const std::string& module : modules)
        if (Luau::SourceModule* source = frontend.getSourceModule(module))
            cogsmith::end_after_failing(*source);
    frontend.queueModuleCheck(modules);
    frontend.checkQueuedModules();

    for (const std::string& module : modules)
    {
        auto result = frontend.getCheckResult(module, false);
        if (!result)
        {
            tell(host, module, {}, "", "this file cannot be read");
            continue;
        }
        for (const Luau::TypeError& error : result->errors)
            tell(host, error.moduleName.empty() ? module : error.moduleName, error.location, "", Luau::toString(error, {&files}));
        for (const Luau::LintWarning& warning : result->lintResult.errors)
            tell(host, module, warning.location, Luau::LintWarning::getName(warning.code), warning.text);
        for (const Luau::LintWarning& warning : result->lintResult.warnings)
            tell(host, module, warning.location, Luau::LintWarning::getName(warning.code), warning.text);
        for (const Luau::ModuleName& late : result->timeoutHits)
            if (late == module)
                tell(host, module, {}, "", "this file takes too long to be checked");
    }
}

// Texts that follow each other, each with a NUL behind it.
std::vector<std::string> list(const char* texts, size_t length)
{
    std::vector<std::string> parts;
    for (const char* at = texts; at < texts + length; at += parts.back().size() + 1)
        parts.emplace_back(at);
    return parts;
}

} // namespace

// Checks modules, and tells `host` what is wrong in them. Returns whether that was possible; if it was not, `write` gets
// the reason.
extern "C" bool cogsmith_check(
    const cogsmith_host* host, const char* modules, size_t modules_length, const char* globals, size_t globals_length, double seconds, void* sink,
    cogsmith_write write
)
{
    try
    {
        check(host, list(modules, modules_length), list(globals, globals_length), seconds);
        return true;
    }
    catch (const std::exception& error)
    {
        write(sink, error.what(), strlen(error.what()));
        return false;
    }
}
