#include "unknown_fields.h"

#include "Luau/Ast.h"
#include "Luau/Module.h"
#include "Luau/ToString.h"
#include "Luau/Type.h"

namespace cogsmith
{

namespace
{

// Collects the tables that a type allows. False if it allows more than can be told here: any value, a value of a type
// that is chosen by the call, a table with any fields.
bool tables_of(Luau::TypeId type, std::vector<Luau::TypeId>& tables)
{
    type = Luau::follow(type);
    if (auto table = Luau::get<Luau::TableType>(type))
    {
        tables.push_back(type);
        return table->state == Luau::TableState::Sealed && !table->indexer;
    }
    if (auto parts = Luau::get<Luau::UnionType>(type))
    {
        for (Luau::TypeId part : parts)
            if (!tables_of(part, tables))
                return false;
        return true;
    }
    if (auto parts = Luau::get<Luau::IntersectionType>(type))
    {
        for (Luau::TypeId part : parts)
            if (!tables_of(part, tables))
                return false;
        return true;
    }
    return Luau::get<Luau::PrimitiveType>(type) || Luau::get<Luau::SingletonType>(type) || Luau::get<Luau::FunctionType>(type);
}

struct Visitor : Luau::AstVisitor
{
    const Luau::Module& module;
    const std::function<void(const UnknownField&)>& tell;

    Visitor(const Luau::Module& module, const std::function<void(const UnknownField&)>& tell)
        : module(module)
        , tell(tell)
    {
    }

    bool visit(Luau::AstExprTable* written) override
    {
        const Luau::TypeId* expected = module.astExpectedTypes.find(written);
        std::vector<Luau::TypeId> tables;
        if (expected && tables_of(*expected, tables) && !tables.empty())
            for (const Luau::AstExprTable::Item& item : written->items)
                if (item.kind == Luau::AstExprTable::Item::Record)
                    look_at(item.key, tables);
        return true;
    }

    void look_at(Luau::AstExpr* key, const std::vector<Luau::TypeId>& tables)
    {
        auto text = key->as<Luau::AstExprConstantString>();
        if (!text)
            return;
        UnknownField field{key->location, std::string(text->value.data, text->value.size), "", {}};
        for (Luau::TypeId type : tables)
        {
            auto table = Luau::get<Luau::TableType>(type);
            if (table->props.count(field.name))
                return;
            for (const auto& [name, _] : table->props)
                field.known.push_back(name);
            if (table->name && tables.size() == 1)
                field.type = *table->name;
        }
        tell(field);
    }
};

} // namespace

void find_unknown_fields(
    const Luau::SourceModule& source, const Luau::Module& module, const std::function<void(const UnknownField&)>& tell
)
{
    Visitor visitor(module, tell);
    if (source.root)
        source.root->visit(&visitor);
}

} // namespace cogsmith
