SELECT * FROM {{ ref('funnel_by_day') }} WHERE carts > views OR checkouts > carts OR purchases > checkouts
