{#- A cast of a number or a date that fails where it would change the value. A column that is loaded
    in a wider type of the same family, as its source declares it by now, keeps that one. -#}
{% macro exact_cast(column, type) -%}
    {%- set loaded, wanted = loaded_type(column), type | upper -%}
    {%- if loaded == wanted or is_wider(loaded, wanted) -%}
        {{ column }}
    {%- elif is_wider(wanted, loaded) -%}
        cast({{ column }} as {{ native_type(type) }})
    {%- else -%}
        {{ adapter.dispatch("cast_or_fail")(column, type, "timestamp" if type == "date" else "double") }}
    {%- endif -%}
{%- endmacro %}

{#- A cast that is compared with the value in a wide type. -#}
{% macro default__cast_or_fail(column, type, wide) -%}
    case
        when try_cast({{ column }} as {{ wide }}) is not distinct from try_cast(try_cast({{ column }} as {{ type }}) as {{ wide }})
            then cast({{ column }} as {{ type }})
        else error('A value is no {{ type }}: ' || cast({{ column }} as varchar))
    end
{%- endmacro %}

{#- Postgres has no casts that try, and no function that fails: a cast of a sentence does. -#}
{% macro postgres__cast_or_fail(column, type, wide) -%}
    {%- set wanted, wide = native_type(type), native_type(wide) -%}
    case
        when cast({{ column }} as {{ wide }}) is not distinct from cast(cast({{ column }} as {{ wanted }}) as {{ wide }})
            then cast({{ column }} as {{ wanted }})
        else cast('A value is no {{ type }}: ' || cast({{ column }} as varchar) as {{ wanted }})
    end
{%- endmacro %}

{#- Spark's `string` has another name, and so has its function that fails. -#}
{% macro spark__cast_or_fail(column, type, wide) -%}
    {%- set wanted, wide = native_type(type), native_type(wide) -%}
    case
        when try_cast({{ column }} as {{ wide }}) is not distinct from try_cast(try_cast({{ column }} as {{ wanted }}) as {{ wide }})
            then cast({{ column }} as {{ wanted }})
        else cast(raise_error('A value is no {{ type }}: ' || cast({{ column }} as string)) as {{ wanted }})
    end
{%- endmacro %}

{#- Whether a type has values that another one of its family cannot hold. -#}
{% macro is_wider(type, other) -%}
    {%- set room, others = digits_of(type), digits_of(other) -%}
    {%- if not room or not others -%}
        {{ return(type == "DOUBLE" and other == "FLOAT") }}
    {%- endif -%}
    {{ return(room[0] > others[0] or room[1] > others[1]) }}
{%- endmacro %}

{#- How many digits before and after the point a type has; nothing if it is no number. -#}
{% macro digits_of(type) -%}
    {%- set whole = {"TINYINT": 3, "SMALLINT": 5, "INTEGER": 10, "BIGINT": 19, "HUGEINT": 39} -%}
    {%- if type.startswith("DECIMAL(") -%}
        {%- set width, scale = type[8:-1].split(",") | map("int") -%}
        {{ return([width - scale, scale]) }}
    {%- endif -%}
    {%- set digits = whole.get(type, whole.get(type[1:])) -%}
    {{ return([digits, 0] if digits else none) }}
{%- endmacro %}

{#- The type of a column in the raw table that the model reads; empty if that cannot be told. -#}
{% macro loaded_type(column) -%}
    {%- if not execute or model.sources | length != 1 -%}
        {{ return("") }}
    {%- endif -%}
    {%- set name = column[1:-1] | replace('""', '"') if column.startswith('"') else column -%}
    {{ return(adapter.dispatch("type_in_table")(source(*model.sources[0]), name)) }}
{%- endmacro %}

{% macro default__type_in_table(table, name) -%}
    {%- set found = run_query(
        "select data_type from duckdb_columns() where database_name = "
        ~ ("'" ~ table.database | replace("'", "''") ~ "'" if table.database else "current_database()")
        ~ " and schema_name = '" ~ table.schema ~ "' and table_name = '" ~ table.identifier
        ~ "' and lower(column_name) = lower('" ~ name | replace("'", "''") ~ "')"
    ) -%}
    {{ return(found.rows[0][0] if found.rows | length == 1 else "") }}
{%- endmacro %}

{#- As DuckDB writes types, in which the models name them. -#}
{% macro postgres__type_in_table(table, name) -%}
    {%- set known = {
        "character varying": "VARCHAR", "text": "VARCHAR", "numeric": "DECIMAL", "double precision": "DOUBLE",
        "real": "FLOAT", "timestamp without time zone": "TIMESTAMP",
    } -%}
    {%- for each in adapter.get_columns_in_relation(table) if each.name | lower == name | lower -%}
        {%- set type = known.get(each.dtype, each.dtype | upper) -%}
        {%- if type == "DECIMAL" and each.numeric_precision -%}
            {{ return("DECIMAL(" ~ each.numeric_precision ~ "," ~ (each.numeric_scale or 0) ~ ")") }}
        {%- endif -%}
        {{ return(type) }}
    {%- endfor -%}
    {{ return("") }}
{%- endmacro %}

{% macro spark__type_in_table(table, name) -%}
    {%- set known = {
        "string": "VARCHAR", "int": "INTEGER", "timestamp_ntz": "TIMESTAMP", "timestamp": "TIMESTAMP WITH TIME ZONE",
        "binary": "BLOB",
    } -%}
    {%- for each in adapter.get_columns_in_relation(table) if each.name | lower == name | lower -%}
        {{ return(known.get(each.dtype, each.dtype | upper)) }}
    {%- endfor -%}
    {{ return("") }}
{%- endmacro %}
