"""What a reader, human or model, says of one radiograph."""
