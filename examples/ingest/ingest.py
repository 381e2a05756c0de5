"""Read one uploaded price list from S3 and write its rows to DynamoDB.

The object is named by the environment (OBJECT_BUCKET, OBJECT_KEY), the table by TABLE_NAME. A row is one item, under
its article, so that a file that is read twice changes nothing. Exit codes are those of sysexits.h: 0 done, 65 the file
is wrong and will be the next time, 75 AWS did not answer and may the next time.
"""

import csv
import io
import os
import sys
from collections.abc import Iterator, Mapping
from decimal import Decimal, InvalidOperation
from typing import Any

import boto3
from botocore.exceptions import BotoCoreError, ClientError

DONE, BAD_DATA, TRY_AGAIN = 0, 65, 75
LARGEST_FILE = 10_000_000
COLUMNS = ["article", "price"]


class BadFileError(Exception):
    """The file cannot be read as a price list."""


def rows(text: str) -> Iterator[dict[str, str]]:
    """The rows of a price list, all of them checked: `article,price` and then a line for each article."""
    reader = csv.DictReader(io.StringIO(text))
    if reader.fieldnames != COLUMNS:
        raise BadFileError(f"the first line has to be {','.join(COLUMNS)}")
    for row in reader:
        try:
            price = Decimal(row["price"] or "")
        except InvalidOperation:
            raise BadFileError(f"line {reader.line_num}: the price is no number") from None
        if not row["article"] or not price.is_finite() or price < 0:
            raise BadFileError(f"line {reader.line_num}: an article and a price that is not negative are needed")
        yield {"article": row["article"], "price": str(price)}


def ingest(environment: Mapping[str, str], s3: Any, dynamodb: Any) -> int:
    """Write what the object holds; nothing of it if any row is wrong. Returns how many rows there were."""
    bucket, key, table = (environment[name] for name in ("OBJECT_BUCKET", "OBJECT_KEY", "TABLE_NAME"))
    body = s3.get_object(Bucket=bucket, Key=key)["Body"].read(LARGEST_FILE + 1)
    if len(body) > LARGEST_FILE:
        raise BadFileError(f"the file is larger than {LARGEST_FILE} bytes")
    try:
        found = list(rows(body.decode("utf-8-sig")))
    except UnicodeDecodeError:
        raise BadFileError("the file is not UTF-8") from None
    for row in found:
        dynamodb.put_item(
            TableName=table,
            Item={"article": {"S": row["article"]}, "price": {"N": row["price"]}, "source": {"S": key}},
        )
    return len(found)


def main() -> int:
    """Run once, as the container does."""
    try:
        count = ingest(os.environ, boto3.client("s3"), boto3.client("dynamodb"))
    except BadFileError as error:
        sys.stdout.write(f"refused: {error}\n")
        return BAD_DATA
    except (BotoCoreError, ClientError) as error:
        sys.stdout.write(f"AWS did not do it: {error}\n")
        return TRY_AGAIN
    sys.stdout.write(f"{count} rows written\n")
    return DONE


if __name__ == "__main__":
    sys.exit(main())
