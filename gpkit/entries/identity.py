"""The same entry twice, told by (log name, timestamp, insert id).

A wrapper that lost the log name, and the digits below a microsecond, is the same entry where insert id and microsecond
agree. Of several copies the one with its payload stays, then the one with its request, then the one with its log name,
then the first. An entry without an insert id has no identity: within one file it stands for itself, and between files
the n-th copy of a text is the n-th copy of the other.
"""

MARK_COPIES = """
    CREATE TEMP TABLE copies AS
    WITH identified AS (
        SELECT line, file_no, insert_id, timestamp_ns, log_name, timestamp_ns // 1000 AS us,
            CASE WHEN payload_kind IS NOT NULL THEN 4 ELSE 0 END
                + CASE WHEN http_url IS NOT NULL THEN 2 ELSE 0 END
                + CASE WHEN log_name IS NOT NULL THEN 1 ELSE 0 END AS worth
        FROM entries
        WHERE insert_id IN (SELECT insert_id FROM entries GROUP BY insert_id HAVING count(*) > 1)
    ),
    named AS (
        SELECT *,
            coalesce(log_name, min(log_name) OVER same_us) AS whole_name,
            CASE WHEN log_name IS NULL THEN coalesce(min(timestamp_ns) FILTER (log_name IS NOT NULL) OVER same_us,
                timestamp_ns) ELSE timestamp_ns END AS whole_ns
        FROM identified WINDOW same_us AS (PARTITION BY insert_id, us)
    ),
    anonymous AS (
        SELECT line, file_no, md5(entry) AS digest,
            row_number() OVER (PARTITION BY file_no, md5(entry) ORDER BY line) AS nth
        FROM entries WHERE insert_id IS NULL
    )
    SELECT line FROM named QUALIFY row_number() OVER (
        PARTITION BY insert_id, whole_name, whole_ns ORDER BY worth DESC, file_no, line) > 1
    UNION ALL
    SELECT line FROM anonymous QUALIFY row_number() OVER (PARTITION BY digest, nth ORDER BY file_no) > 1
"""
"""SQL: the table ``copies``: the rows of ``entries`` that repeat another."""

ORDER = """
    SELECT line FROM entries WHERE line NOT IN (SELECT line FROM copies) ORDER BY timestamp_ns NULLS LAST, sequence
"""
"""SQL: the rows to keep, oldest first; those of equal instants in their files' order of time."""
