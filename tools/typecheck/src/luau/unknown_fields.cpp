#include "unknown_fields.h"

#include "Luau/Ast.h"
#include "Luau/Module.h"
#include "Luau/ToString.h"
#include "Luau/Type.h"
#include "Luau/TypePack.h"

namespace cogsmith
{

namespace
{

// Whether a table's indexer is that of a list, and says nothing of names.
bool is_number(Luau::TypeId type)
{
    auto primitive = Luau::get<Luau::PrimitiveType>(Luau::follow(type));
    return primitive && primitive->type == Luau::PrimitiveType::Number;
}

// Collects the tables that a type allows. False if it allows more than can be told here: any value, a value of a type
// that is chosen by the call, a table with any fields.
bool tables_of(Luau::TypeId type, std::vector<Luau::TypeId>& tables)
{
    type = Luau::follow(type);
    if (auto table = Luau::get<Luau::TableType>(type))
    {
        tables.push_back(type);
        return table->state == Luau::TableState::Sealed && (!table->indexer || is_number(table->indexer->indexType));
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
        if (const Luau::TypeId* expected = module.astExpectedTypes.find(written))
            look_into(written, *expected);
        return true;
    }

    // `discord.try(discord.create_message, { … })`: what a function is called with has the type of its parameter,
    // which is not yet known where the outer call is looked at.
    bool visit(Luau::AstExprCall* call) override
    {
        if (call->args.size != 2)
            return true;
        auto written = call->args.data[1]->as<Luau::AstExprTable>();
        const Luau::TypeId* called = module.astTypes.find(call->args.data[0]);
        auto function = called ? Luau::get<Luau::FunctionType>(Luau::follow(*called)) : nullptr;
        if (!written || !function)
            return true;
        auto parameter = Luau::begin(function->argTypes);
        if (parameter != Luau::end(function->argTypes))
            look_into(written, *parameter);
        return true;
    }

    void look_into(Luau::AstExprTable* written, Luau::TypeId expected)
    {
        std::vector<Luau::TypeId> tables;
        if (!tables_of(expected, tables) || tables.empty())
            return;
        for (const Luau::AstExprTable::Item& item : written->items)
            if (item.kind == Luau::AstExprTable::Item::Record)
                look_at(item.key, tables);
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
