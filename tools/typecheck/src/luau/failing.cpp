#include "failing.h"

#include "Luau/Allocator.h"
#include "Luau/Ast.h"
#include "Luau/Module.h"

#include <cstring>
#include <unordered_set>
#include <vector>

namespace cogsmith
{

namespace
{

constexpr const char* kModule = "@cogsmith/cog";

bool is_require_of_cog(Luau::AstExpr* value)
{
    auto call = value->as<Luau::AstExprCall>();
    if (!call || call->args.size != 1)
        return false;
    auto function = call->func->as<Luau::AstExprGlobal>();
    auto path = call->args.data[0]->as<Luau::AstExprConstantString>();
    return function && function->name == "require" && path && path->value.size == strlen(kModule) &&
           memcmp(path->value.data, kModule, path->value.size) == 0;
}

// The locals that are the module.
struct Locals : Luau::AstVisitor
{
    std::unordered_set<Luau::AstLocal*> found;

    bool visit(Luau::AstStatLocal* statement) override
    {
        for (size_t index = 0; index < statement->vars.size && index < statement->values.size; ++index)
            if (is_require_of_cog(statement->values.data[index]))
                found.insert(statement->vars.data[index]);
        return true;
    }
};

struct Ends : Luau::AstVisitor
{
    Luau::SourceModule& source;
    const std::unordered_set<Luau::AstLocal*>& modules;

    Ends(Luau::SourceModule& source, const std::unordered_set<Luau::AstLocal*>& modules)
        : source(source)
        , modules(modules)
    {
    }

    bool visit(Luau::AstStatBlock* block) override
    {
        std::vector<Luau::AstStat*> statements;
        for (Luau::AstStat* statement : block->body)
        {
            statements.push_back(statement);
            if (!fails(statement))
                continue;
            // Luau warns of two statements in a line.
            statement->hasSemicolon = true;
            statements.push_back(error_at(statement->location));
        }
        if (statements.size() > block->body.size)
            block->body = copy(statements.data(), statements.size());
        return true;
    }

    bool fails(Luau::AstStat* statement)
    {
        auto expression = statement->as<Luau::AstStatExpr>();
        auto call = expression ? expression->expr->as<Luau::AstExprCall>() : nullptr;
        auto field = call ? call->func->as<Luau::AstExprIndexName>() : nullptr;
        auto local = field ? field->expr->as<Luau::AstExprLocal>() : nullptr;
        return local && field->index == "fail" && modules.count(local->local);
    }

    Luau::AstStat* error_at(const Luau::Location& after)
    {
        Luau::Allocator& allocator = *source.allocator;
        Luau::Location at{after.end, after.end};
        Luau::AstExpr* message = allocator.alloc<Luau::AstExprConstantNil>(at);
        auto function = allocator.alloc<Luau::AstExprGlobal>(at, source.names->getOrAdd("error"));
        auto call = allocator.alloc<Luau::AstExprCall>(at, function, copy(&message, 1), false, Luau::AstArray<Luau::AstTypeOrPack>{}, at);
        return allocator.alloc<Luau::AstStatExpr>(at, call);
    }

    template<typename T>
    Luau::AstArray<T> copy(const T* items, size_t size)
    {
        auto data = static_cast<T*>(source.allocator->allocate(sizeof(T) * size));
        std::copy(items, items + size, data);
        return {data, size};
    }
};

} // namespace

void end_after_failing(Luau::SourceModule& source)
{
    Locals locals;
    if (!source.root)
        return;
    source.root->visit(&locals);
    if (locals.found.empty())
        return;
    Ends ends(source, locals.found);
    source.root->visit(&ends);
}

} // namespace cogsmith
