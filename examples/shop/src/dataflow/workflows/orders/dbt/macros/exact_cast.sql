{#- A cast of a number or a date that fails where it would change the value. -#}
{% macro exact_cast(column, type) -%}
    {%- set wide = "timestamp" if type == "date" else "double" -%}
    case
        when try_cast({{ column }} as {{ wide }}) is not distinct from try_cast(try_cast({{ column }} as {{ type }}) as {{ wide }})
            then cast({{ column }} as {{ type }})
        else error('A value is no {{ type }}: ' || cast({{ column }} as varchar))
    end
{%- endmacro %}
