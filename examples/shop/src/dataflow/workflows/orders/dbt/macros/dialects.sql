{# Kept by the template: an update rewrites this file. What DuckDB writes otherwise than other warehouses. #}

{#- A type as the warehouse calls it. -#}
{% macro native_type(type) -%}
    {{ return(adapter.dispatch("native_type")(type)) }}
{%- endmacro %}

{% macro default__native_type(type) -%}
    {{ return(type) }}
{%- endmacro %}

{% macro postgres__native_type(type) -%}
    {%- set known = {
        "double": "double precision", "float": "real", "tinyint": "smallint", "utinyint": "smallint",
        "usmallint": "integer", "uinteger": "bigint", "ubigint": "numeric(20,0)", "hugeint": "numeric(38,0)",
        "uhugeint": "numeric(38,0)", "blob": "bytea", "timestamp_ns": "timestamp", "timestamp_ms": "timestamp",
        "timestamp_s": "timestamp",
    } -%}
    {%- set is_nested = type.endswith("]") or type.startswith("struct") or type.startswith("map") -%}
    {{ return("varchar" if is_nested else known.get(type, type)) }}
{%- endmacro %}

{% macro spark__native_type(type) -%}
    {%- set known = {
        "varchar": "string", "utinyint": "smallint", "usmallint": "int", "uinteger": "bigint",
        "ubigint": "decimal(20,0)", "hugeint": "decimal(38,0)", "uhugeint": "decimal(38,0)", "blob": "binary",
        "timestamp": "timestamp_ntz", "timestamp_ns": "timestamp_ntz", "timestamp_ms": "timestamp_ntz",
        "timestamp_s": "timestamp_ntz", "timestamptz": "timestamp_ltz", "timestamp with time zone": "timestamp_ltz",
        "time": "time(6)", "uuid": "string", "json": "string", "integer": "int",
    } -%}
    {%- if type.endswith("[]") -%}
        {{ return("array<" ~ native_type(type[:-2]) ~ ">") }}
    {%- endif -%}
    {%- if type.startswith("struct") or type.startswith("map") -%}
        {{ exceptions.raise_compiler_error("Spark has no " ~ type ~ ": cast the column to Spark's own type, such as struct<name:type>.") }}
    {%- endif -%}
    {{ return(known.get(type, type)) }}
{%- endmacro %}

{#- The columns of the one source of a model but for some, each after a comma. -#}
{% macro and_other_columns(columns) -%}
    {{ return(adapter.dispatch("and_other_columns")(columns)) }}
{%- endmacro %}

{% macro default__and_other_columns(columns) -%}
    , * exclude (
        {{ columns | join(",\n        ") }}
    )
{%- endmacro %}

{% macro postgres__and_other_columns(columns) -%}
    {%- if execute -%}
        {%- if model.sources | length != 1 -%}
            {{ exceptions.raise_compiler_error("and_other_columns() needs a model with one source: name the columns instead.") }}
        {%- endif -%}
        {%- set left = [] -%}
        {%- for column in columns -%}
            {%- set name = column[1:-1] | replace('""', '"') if column.startswith('"') else column -%}
            {%- do left.append(name | lower) -%}
        {%- endfor -%}
        {%- for each in adapter.get_columns_in_relation(source(*model.sources[0])) if each.name | lower not in left -%}
    , "{{ each.name | replace('"', '""') }}"
        {% endfor -%}
    {%- endif -%}
{%- endmacro %}

{% macro spark__and_other_columns(columns) -%}
    {{ return(postgres__and_other_columns(columns)) }}
{%- endmacro %}
