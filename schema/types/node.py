"""What every object with a global id has."""

import strawberry


@strawberry.interface(description="An object that can be fetched again by its global id.")
class Node:
    id: strawberry.ID = strawberry.field(
        description="The global id: opaque, good for `node(id)`, and never valid in another program."
    )
